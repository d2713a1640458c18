-- An order, under a key of its own.

local shop = require("shop")

function init(arguments)
  shop.open(arguments)
end

function request()
  return shop.order(shop.any(shop.accounts))
end

function response(status)
  if status ~= 201 then
    wrong = wrong + 1
  end
end
