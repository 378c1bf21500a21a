-- One kind of request, or a mixture of 80 reads, 15 lists and 5 new tickets in a hundred. LOAD says which, TOKEN who asks.
local load = os.getenv("LOAD")
local headers = { authorization = "Bearer " .. os.getenv("TOKEN") }
local sending = { authorization = headers.authorization, ["content-type"] = "application/json" }
local body = '{"title": "Measured", "description": "One of many tickets that were opened to see how long it takes."}'

function setup(thread)
  -- Told to each thread, because threads share no variables.
  thread:set("seed", os.time() + math.random(1, 1000000))
end

function init()
  math.randomseed(seed)
end

local function get()
  return wrk.format("GET", "/api/tickets/00000000-0000-7000-8000-1000000" .. string.format("%05d", math.random(0, 99999)), headers)
end

local function list()
  return wrk.format("GET", "/api/tickets?limit=20", headers)
end

local function create()
  return wrk.format("POST", "/api/tickets", sending, body)
end

local function mixed()
  local one = math.random(100)
  if one <= 80 then return get() end
  if one <= 95 then return list() end
  return create()
end

request = ({ get = get, list = list, create = create, mixed = mixed })[load]

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '\n{"requests": %d, "seconds": %.3f, "p50": %.3f, "p95": %.3f, "p99": %.3f, "refused": %d, "broken": %d, "late": %d}\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(95) / 1e3,
    latency:percentile(99) / 1e3, errors.status, errors.connect + errors.read + errors.write, errors.timeout))
end
