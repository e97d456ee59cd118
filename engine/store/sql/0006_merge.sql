-- What a merge of entities needs to know: `first`, the oldest event that told of it, and `absorbed`, keys of others that were it.

ALTER TABLE entities ADD COLUMN life TEXT;
