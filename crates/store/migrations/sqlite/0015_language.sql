-- The language in which somebody reads the console and its mail. NULL: the one that the browser asks for.
ALTER TABLE users ADD COLUMN language TEXT;
