
#variable_conflict use_column
<<own>>
DECLARE
  holder {user_type};
  family uuid;
  device_before text;
  device text := {device};
  network cidr := {network};
BEGIN
  IF rotate_session_token.p_new_jti IS NULL THEN
    RETURN false;
  END IF;
  -- Of two at once the second waits here, and then no longer finds the old token.
  SELECT s.user_id, s.family_id, s.device_hash INTO own.holder, own.family, own.device_before
  FROM {table} AS s
  WHERE s.{key} = rotate_session_token.p_session_id
    AND s.current_jti IS NOT DISTINCT FROM rotate_session_token.p_old_jti
    AND s.revoked_at IS NULL AND s.{expires} > {expires_now}
  FOR UPDATE;
  IF NOT FOUND OR rotate_session_token.p_new_jti = rotate_session_token.p_old_jti THEN
    RETURN false;
  END IF;
  UPDATE {table} AS s SET current_jti = rotate_session_token.p_new_jti{used},
    device_hash = coalesce(own.device, s.device_hash), last_ip_cidr = coalesce(own.network, s.last_ip_cidr)
  WHERE s.{key} = rotate_session_token.p_session_id;
  IF own.device <> own.device_before THEN
    {event};
  END IF;
  RETURN true;
END
