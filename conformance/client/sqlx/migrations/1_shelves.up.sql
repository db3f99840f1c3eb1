CREATE TABLE shelves (id bigint PRIMARY KEY, name text NOT NULL);
INSERT INTO shelves VALUES (1, 'top'), (2, 'bottom');
