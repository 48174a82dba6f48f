-- wrk … -s load.lua URL -- PAGE [COOKIES]: asks for PAGE with the cookies of that file in turn, without any if
-- there is no file; "visit" logs in, then logs out with the cookie it was given.

local requests, at = {}, 0
local logouts = {}
local login

local function next_request()
  at = at % #requests + 1
  return requests[at]
end

local function next_of_visit()
  return table.remove(logouts) or login
end

local function keep_login(_, headers, body)
  if body == "hello" then
    local cookie = headers["Set-Cookie"] or headers["set-cookie"]
    logouts[#logouts + 1] = wrk.format("GET", "/logout", { Cookie = cookie:match("^[^;]+") })
  end
end

function init(args)
  local page, cookies = args[1], args[2]
  if page == "visit" then
    login = wrk.format("GET", "/login")
    request, response = next_of_visit, keep_login
  elseif cookies then
    for line in io.lines(cookies) do
      requests[#requests + 1] = wrk.format("GET", page, { Cookie = line })
    end
    request = next_request
  else
    requests[1] = wrk.format("GET", page)
    request = next_request
  end
end

function done(summary, latency)
  local points = {}
  for _, p in ipairs({ 1, 5, 10, 20, 30, 40, 50, 60, 70, 80, 90, 95, 98, 99, 99.5, 99.9, 99.99 }) do
    points[#points + 1] = string.format("[%g,%d]", p, latency:percentile(p))
  end
  points[#points + 1] = string.format("[100,%d]", latency.max)
  local e = summary.errors
  io.write(string.format('{"requests":%d,"errors":%d,"seconds":%.6f,"latency":[%s]}\n',
    summary.requests, e.connect + e.read + e.write + e.status + e.timeout, summary.duration / 1e6,
    table.concat(points, ",")))
end
