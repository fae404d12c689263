local words = { Running = "Healthy", Scaling = "Healthy", Failed = "Degraded", Unknown = "Degraded" }
local status = obj.status or {}
local message = status.phase and "MachinePool is " .. status.phase or ""
local missing = {}
for _, condition in ipairs(status.conditions or {}) do
  if condition.type ~= nil and condition.status == "False" then
    local reason = condition.reason and " (" .. condition.reason .. ")" or ""
    table.insert(missing, "Not " .. condition.type .. reason)
  end
end
if #missing > 0 then message = message .. ": " .. table.concat(missing, ", ") end
return { status = words[status.phase] or "Progressing", message = message }
