-- An order, then its payment. Whichever connection is free pays for the orders that wait.

local shop = require("shop")
local unpaid = {}

function init(arguments)
  shop.open(arguments)
end

function request()
  local session = table.remove(unpaid)
  if session then
    return shop.payment(session)
  end
  return shop.order(shop.any(shop.accounts))
end

function response(status, _, body)
  if status == 201 then
    table.insert(unpaid, shop.session(body))
  elseif status ~= 200 then
    wrong = wrong + 1
  end
end
