-- Requests for `wrk`: wrk ... -- post|get BODY-FILE PREFIX COUNT NAMESPACES, with the bearer token in TOKEN.
-- A POST makes a Secret of a name of its own, by thread and number, in the namespaces of the prefix in turn; a GET reads those of the connections.
local threads = 0

function setup(thread)
  thread:set("id", threads)
  threads = threads + 1
end

function init(arguments)
  post, prefix, count, number = arguments[1] == "post", arguments[3], tonumber(arguments[4]), 0
  namespaces = tonumber(arguments[5])
  local file = assert(io.open(arguments[2]))
  body = file:read("*a")
  file:close()
  namespace = body:match('"namespace":"([^"]+)"'):gsub("%-", "%%-")
  name = body:match('"name":"([^"]+)"'):gsub("%-", "%%-")
  headers = { Authorization = "Bearer " .. os.getenv("TOKEN"), ["Content-Type"] = "application/json" }
end

local function collection(place)
  local here = string.format("%s-%02d", prefix, place)
  return here, "/api/v1/namespaces/" .. here .. "/secrets"
end

function request()
  if post then
    local here, path = collection(number % namespaces)
    local made = body:gsub(namespace, here):gsub(name, string.format("sc-w%d%07d-secret", id, number))
    number = number + 1
    return wrk.format("POST", path, headers, made)
  end
  -- The connections are spread over the namespaces as `Documents::place` has it: as many in each, one after the other.
  local _, path = collection(math.floor(number * namespaces / count))
  path = string.format("%s/sc-c%06d-secret", path, number)
  number = (number + 1) % count
  return wrk.format("GET", path, headers)
end
