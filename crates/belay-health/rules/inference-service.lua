local status = obj.status
if status == nil or status.conditions == nil then
  return { status = "Progressing", message = "Waiting for InferenceService to report status..." }
end
local text, moving, broken, unsure = "", false, false, false
local model = status.modelStatus
if model ~= nil and model.transitionStatus ~= "UpToDate" then
  moving = model.transitionStatus == "InProgress"
  broken = not moving
  text = "0: transitionStatus | " .. model.transitionStatus
end
for index, condition in ipairs(status.conditions or {}) do
  if condition.type == "Stopped" then
    if condition.status == "True" then return { status = "Suspended", message = "InferenceService is Stopped" } end
    unsure = unsure or condition.status == "Unknown"
  elseif condition.status ~= "True" then
    unsure = unsure or condition.status == "Unknown" or condition.status == "False"
    local parts = { "", index .. ": " .. condition.type, condition.status }
    for _, more in ipairs({ condition.reason or "", condition.message or "" }) do
      if more ~= "" then table.insert(parts, more) end
    end
    text = text .. table.concat(parts, " | ")
  end
end
if broken then return { status = "Degraded", message = text } end
if moving or unsure then return { status = "Progressing", message = text } end
return { status = "Healthy", message = "InferenceService is healthy." }
