-- The sweeper looks for steps that seem to be put off for long, because the clock was set back.
CREATE INDEX sagas_under_way ON sagas (next_attempt_at) WHERE step IN ('new', 'reserved', 'closing');
