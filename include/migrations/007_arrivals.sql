-- A source without time stamps of its own (a database, an API) can return to an earlier content,
-- and that arrival must count. include/load.py records it where another content came last.
alter table ops.arrival
drop constraint arrival_delivery_id_uri_modified_at_key,
add constraint arrival_once unique (delivery_id, uri, modified_at);
