-- KnativeServing has two more conditions that must be true than KnativeEventing.
local wanted = { Ready = true, InstallSucceeded = true }
local needed = 2
if obj.kind == "KnativeServing" then
  wanted.DependenciesInstalled, wanted.DeploymentsAvailable = true, true
  needed = 4
end
local blocking = { Ready = true, DeploymentsAvailable = obj.kind == "KnativeServing" }
local conditions = obj.status and obj.status.conditions
if conditions == nil then return { status = "Progressing", message = "Waiting for " .. obj.kind } end
local good, bad, text = 0, 0, ""
for index, condition in ipairs(conditions) do
  text = text .. index .. ": " .. condition.type .. " | " .. condition.status .. "\n"
  if condition.status == "True" then
    if wanted[condition.type] then good = good + 1 end
  elseif condition.status == "Unknown" or (condition.status == "False" and blocking[condition.type]) then
    bad = bad + 1
  end
end
if bad > 0 then return { status = "Progressing", message = text } end
if good == needed then return { status = "Healthy", message = obj.kind .. " is healthy." } end
return { status = "Degraded", message = text }
