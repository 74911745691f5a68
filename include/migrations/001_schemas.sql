-- The fixed rooms of the warehouse. raw tables are made from the contracts (include/load.py);
-- staging, spine, core and candidate belong to dbt; marts and archive to the publisher.
create schema if not exists raw;
create schema if not exists vault;
create schema if not exists staging;
create schema if not exists spine;
create schema if not exists core;
create schema if not exists candidate;
create schema if not exists marts;
create schema if not exists archive;
create schema if not exists seeds;
