-- Asks unleak whether the session of a request is alive, for HAProxy (unleak serve --example haproxy). What is not a
-- clear yes is a no: nobody gets in while unleak does not answer.

local ADDRESS = "http://127.0.0.1:8790/verify?mode=nginx"
local TIMEOUT = 5000 -- milliseconds

-- What unleak looks at, and nothing else of the request.
local ASKED = {
  "cookie", "accept", "x-requested-with", "sec-fetch-mode", "sec-fetch-site",
  "x-forwarded-method", "x-forwarded-uri", "x-forwarded-host",
}

local function first(headers, name)
  local values = headers and headers[name]
  return values and (values[1] or values[0]) or ""
end

core.register_action("unleak", { "http-req" }, function(txn)
  txn:set_var("txn.session_alive", false)
  local sent, headers = txn.http:req_get_headers(), {}
  for _, name in ipairs(ASKED) do
    -- Headers are counted from 0 here, and from 1 by the client.
    local values = {}
    for at = 0, #(sent[name] or {}) do
      if sent[name] and sent[name][at] then table.insert(values, sent[name][at]) end
    end
    if #values > 0 then headers[name] = values end
  end
  local answer = core.httpclient():get({ url = ADDRESS, headers = headers, timeout = TIMEOUT })
  if answer and answer.status and answer.status >= 200 and answer.status < 300 then
    txn:set_var("txn.session_user", first(answer.headers, "x-session-user"))
    txn:set_var("txn.session_expires", first(answer.headers, "x-session-expires"))
    txn:set_var("txn.session_alive", true)
  end
end, 0)
