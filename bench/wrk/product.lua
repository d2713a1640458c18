-- One product by its id.

local shop = require("shop")
local requests = {}

function init(arguments)
  shop.open(arguments)
  for _, id in ipairs(shop.products) do
    table.insert(requests, shop.get("/api/v1/products/" .. id))
  end
end

function request()
  return shop.any(requests)
end
