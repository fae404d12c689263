local function say(word, message) return { status = word, message = message } end
local status, generation = obj.status, obj.metadata.generation
if status == nil then return say("Progressing", "Provisioning...") end
if generation ~= nil and status.observedGeneration ~= nil and status.observedGeneration ~= generation then
  return say("Progressing", "Waiting for the control plane spec to be reconciled")
end
if (status.failureMessage or "") ~= "" then return say("Degraded", status.failureMessage) end
if status.conditions == nil then return say("Progressing", "Provisioning...") end
for _, condition in ipairs(status.conditions) do
  if condition.type == "EKSControlPlaneUpdating" and condition.status == "True" then
    return say("Progressing", "EKS control plane is updating")
  end
end
local errors = ""
for _, condition in ipairs(status.conditions) do
  if condition.type == "Ready" and condition.status == "True" then
    return say("Healthy", "Control plane is ready")
  end
  if condition.status == "False" and condition.severity == "Error" then
    errors = errors .. condition.message .. " "
  end
end
if errors ~= "" then return say("Degraded", errors) end
if status.ready == false then return say("Progressing", "Control plane is not ready (.status.ready is false)") end
return say("Progressing", "Control plane is not ready")
