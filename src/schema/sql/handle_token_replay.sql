
#variable_conflict use_column
<<own>>
DECLARE
  ended integer;
  holder {user_type};
BEGIN
  -- Two replays at once take the rows in one order.
  PERFORM FROM {table} AS s WHERE s.family_id = handle_token_replay.p_family_id
  ORDER BY s.{key} FOR UPDATE;
  IF NOT FOUND OR handle_token_replay.p_jti IS NULL THEN
    RETURN false;
  END IF;
  -- The current token of a session is no replay, also when the session has expired.
  IF EXISTS (
    SELECT FROM {table} AS s WHERE s.family_id = handle_token_replay.p_family_id AND s.revoked_at IS NULL
      AND s.current_jti = handle_token_replay.p_jti
  ) THEN
    RETURN false;
  END IF;
  SELECT s.user_id INTO own.holder FROM {table} AS s
  WHERE s.family_id = handle_token_replay.p_family_id LIMIT 1;
  -- The token may be that of a live session that has none on record, so nothing can be told; somebody should look.
  IF EXISTS (
    SELECT FROM {table} AS s WHERE s.family_id = handle_token_replay.p_family_id AND s.revoked_at IS NULL
      AND s.current_jti IS NULL AND s.{expires} > {expires_now}
  ) THEN
    {undecided};
    RETURN false;
  END IF;
  UPDATE {table} AS s SET reused_jti_of = handle_token_replay.p_jti
  WHERE s.family_id = handle_token_replay.p_family_id AND s.revoked_at IS NULL;
  own.ended := {revoke}(handle_token_replay.p_family_id, 'token replay');
  {event};
  RETURN true;
END
