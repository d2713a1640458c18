-- One of the paths that the driver names, each as likely as the others.

local shop = require("shop")
local requests = {}

function init(arguments)
  shop.open(arguments)
  for _, path in ipairs(shop.paths) do
    table.insert(requests, shop.get(path, shop.token))
  end
end

function request()
  return shop.any(requests)
end
