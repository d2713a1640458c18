-- A list of ten products: one of the first ten pages.

local shop = require("shop")
local requests = {}

function init(arguments)
  shop.open(arguments)
  for page = 1, 10 do
    table.insert(requests, shop.get("/api/v1/products?limit=10&page=" .. page))
  end
end

function request()
  return shop.any(requests)
end
