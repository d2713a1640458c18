-- The shop's greeting, to programs.

local shop = require("shop")
local greeting

function init(arguments)
  shop.open(arguments)
  greeting = wrk.format("GET", "/", { Accept = "text/plain" })
end

function request()
  return greeting
end
