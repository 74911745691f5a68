"""Who may do what: declared in ``roles.yml``, enforced in the database, compared, and told.

declaration  the file, read and checked
facts        what the declaration wants of the objects there are, and what the catalogs say
enforce      the difference of the two, and its undoing
people       who holds which role
matrix       every role at every object, really tried
"""
