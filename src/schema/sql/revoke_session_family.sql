
#variable_conflict use_column
<<own>>
DECLARE
  ended integer;
  holder {user_type};
BEGIN
  UPDATE {table} AS s SET revoked_at = {revoked_now}
  WHERE s.family_id = revoke_session_family.p_family_id AND s.revoked_at IS NULL;
  GET DIAGNOSTICS ended = ROW_COUNT;
  IF own.ended > 0 THEN
    SELECT s.user_id INTO own.holder FROM {table} AS s
    WHERE s.family_id = revoke_session_family.p_family_id LIMIT 1;
    {event};
  END IF;
  RETURN own.ended;
END
