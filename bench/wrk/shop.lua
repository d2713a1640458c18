-- What the workloads share. wrk gives every thread a Lua state of its own and calls `setup` and `done` in another one.
-- Its arguments after the URL: the file with what is in the shop, written by the driver, and a tag that no other run has.

local shop = {}

-- Answers that are not what the workload expects; `done` asks each thread for it, so it is global.
wrong = 0

local threads = {}

function setup(thread)
  table.insert(threads, thread)
  thread:set("number", #threads)
end

-- Fills `shop.accounts`, `shop.products` and `shop.words`.
function shop.open(arguments)
  for name, value in pairs(dofile(arguments[1])) do
    shop[name] = value
  end
  shop.tag = arguments[2] .. "-" .. number
  math.randomseed(os.time() + 7919 * number)
end

-- One of a list, each as likely as the others.
function shop.any(list)
  return list[math.random(#list)]
end

-- A GET request of that path, made once and sent often.
function shop.get(path, token)
  local authorization = token and "Bearer " .. token
  return wrk.format("GET", path, { Accept = "application/json", Authorization = authorization })
end

function shop.post(path, body, headers)
  headers = headers or {}
  headers["Content-Type"] = "application/json"
  return wrk.format("POST", path, headers, body)
end

local keys = 0

-- An order of one unit of one product, under a key of its own.
function shop.order(account)
  keys = keys + 1
  local body = '{"items":[{"productId":"' .. shop.any(shop.products) .. '","quantity":1}]}'
  return shop.post("/api/v1/orders", body, {
    Authorization = "Bearer " .. account.token,
    ["Idempotency-Key"] = shop.tag .. "-" .. keys,
  })
end

function shop.payment(session)
  return shop.post("/api/v1/payments/mock/checkout/" .. session, '{"outcome":"succeed"}')
end

-- The payment session in the answer to an order.
function shop.session(body)
  return body:match('"paymentSession":{[^}]-"id":"([^"]+)"')
end

-- One line for the driver: times in microseconds.
function done(summary, latency)
  local wrongs = 0
  for _, thread in ipairs(threads) do
    wrongs = wrongs + thread:get("wrong")
  end
  local errors = summary.errors
  io.write(string.format(
    'RESULT {"requests":%d,"duration_us":%d,"p50_us":%d,"p99_us":%d,"wrong":%d,"broken":%d,"late":%d}\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
    math.max(wrongs, errors.status), errors.connect + errors.read + errors.write, errors.timeout))
end

return shop
