
#variable_conflict use_column
<<own>>
DECLARE
  gone integer;
  total integer := 0;
BEGIN
  -- Rows that others refer to go after those; rows that somebody holds go the next time.
  LOOP
    DELETE FROM {table} AS s WHERE s.{key} = ANY (ARRAY(
      SELECT s.{key} FROM {table} AS s WHERE s.{expires} < {expires_now}{unreferenced}
      ORDER BY s.{expires} LIMIT cleanup_expired_sessions.p_limit - own.total FOR UPDATE SKIP LOCKED));
    GET DIAGNOSTICS gone = ROW_COUNT;
    own.total := own.total + own.gone;
    EXIT WHEN own.gone = 0 OR own.total >= cleanup_expired_sessions.p_limit;
  END LOOP;
  RETURN own.total;
END
