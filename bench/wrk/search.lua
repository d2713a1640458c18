-- A search for one of the words of the catalogue, common and rare ones.

local shop = require("shop")
local requests = {}

function init(arguments)
  shop.open(arguments)
  for _, word in ipairs(shop.words) do
    table.insert(requests, shop.get("/api/v1/products?limit=10&q=" .. word))
  end
end

function request()
  return shop.any(requests)
end
