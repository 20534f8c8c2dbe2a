# A Rack application that returns the request headers as it sees them.
require "json"

run(lambda do |env|
  seen = env.select { |name, _| name.start_with?("HTTP_") }
  seen["METHOD"] = env["REQUEST_METHOD"]
  [200, { "content-type" => "application/json" }, [JSON.generate(seen)]]
end)
