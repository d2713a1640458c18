-- A login, of one account after the other.

local shop = require("shop")
local requests = {}
local last

function init(arguments)
  shop.open(arguments)
  for _, account in ipairs(shop.accounts) do
    local body = '{"email":"' .. account.email .. '","password":"' .. account.password .. '"}'
    table.insert(requests, shop.post("/api/v1/auth/login", body))
  end
  last = number
end

function request()
  last = last % #requests + 1
  return requests[last]
end

function response(status)
  if status ~= 200 then
    wrong = wrong + 1
  end
end
