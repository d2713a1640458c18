-- A day in the shop: of 100 requests 45 read a product, 25 a list, 10 search, 10 read an order, 5 order and 5 pay.

local shop = require("shop")
local products, lists, searches, orders, unpaid = {}, {}, {}, {}, {}

-- Orders that are read again: the newest ones of this thread.
local ORDERS_MAX = 1000
local placed = 0

function init(arguments)
  shop.open(arguments)
  for _, id in ipairs(shop.products) do
    table.insert(products, shop.get("/api/v1/products/" .. id))
  end
  for page = 1, 10 do
    table.insert(lists, shop.get("/api/v1/products?limit=10&page=" .. page))
  end
  for _, word in ipairs(shop.words) do
    table.insert(searches, shop.get("/api/v1/products?limit=10&q=" .. word))
  end
end

function request()
  local choice = math.random(100)
  if choice <= 45 then
    return shop.any(products)
  elseif choice <= 70 then
    return shop.any(lists)
  elseif choice <= 80 then
    return shop.any(searches)
  elseif choice <= 90 and #orders > 0 then
    return shop.any(orders)
  elseif choice <= 90 then
    return shop.any(products)
  elseif #unpaid > 0 then
    return shop.payment(table.remove(unpaid))
  end
  -- One account for each thread, so that the orders to be read are its own.
  return shop.order(shop.accounts[number % #shop.accounts + 1])
end

function response(status, headers, body)
  if status == 201 then
    table.insert(unpaid, shop.session(body))
    local account = shop.accounts[number % #shop.accounts + 1]
    orders[placed % ORDERS_MAX + 1] = shop.get(headers["location"], account.token)
    placed = placed + 1
  elseif status ~= 200 then
    wrong = wrong + 1
  end
end
