-- Where everything was moved to: from then on nobody serves from here.
CREATE TABLE moved (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    place TEXT NOT NULL
) STRICT;
