local conditions = obj.status and obj.status.conditions
if conditions == nil then return { status = "Progressing", message = "Waiting for status update." } end
local counted = { ConfigurationsReady = true, RoutesReady = true, Ready = true }
local good, bad, unsure, text = 0, 0, 0, ""
for _, condition in ipairs(conditions) do
  if condition.status == "True" then
    if counted[condition.type] then good = good + 1 end
  elseif condition.status == "False" or condition.status == "Unknown" then
    if condition.status == "False" then bad = bad + 1 else unsure = unsure + 1 end
    text = text .. condition.type .. " is " .. condition.status
    if (condition.reason or "") ~= "" then text = text .. ", since " .. condition.reason .. "." end
    if (condition.message or "") ~= "" then text = text .. " " .. condition.message end
    text = text .. "\n"
  end
end
if bad > 0 then return { status = "Degraded", message = text } end
if unsure > 0 or good ~= 3 then return { status = "Progressing", message = text } end
return { status = "Healthy", message = "Knative Service is healthy." }
