local words = {
  Failed = "Degraded",
  Progressing = "Progressing",
  Finalising = "Progressing",
  Promoting = "Progressing",
  Succeeded = "Healthy",
  Initialized = "Healthy",
}
local status = obj.status
if status == nil then return { status = "Unknown", message = "No status" } end
local parts = {}
if tonumber(status.canaryWeight) > 0 then
  parts[1] = "Canary Weight: " .. status.canaryWeight .. " %"
end
for _, condition in ipairs(status.conditions) do
  table.insert(parts, condition.message)
end
return {
  status = words[status.phase] or "Unknown",
  message = status.phase .. " --- " .. table.concat(parts, " --- "),
}
