local function say(word, message) return { status = word, message = message } end
local status, mode = obj.status, obj.spec and obj.spec.mode
if status == nil then return say("Progressing", "Waiting for OpenTelemetry Collector status") end
local replicas = status.scale and status.scale.statusReplicas
if replicas == nil then
  if mode == "sidecar" then return say("Healthy", "Collector is running in sidecar mode") end
  return say("Progressing", "Scale status not available")
end
local ready, total = string.match(replicas, "(%d+)/(%d+)")
ready, total = tonumber(ready), tonumber(total)
if ready == nil then return say("Progressing", "Unable to parse replica status: " .. tostring(replicas)) end
if ready == 0 and total == 0 and mode == "daemonset" then
  return say("Healthy", "DaemonSet has no eligible nodes (0/0)")
end
if ready == 0 then return say("Degraded", "No replicas are ready") end
if ready == total then return say("Healthy", "All replicas are ready") end
return say("Progressing", "Replicas are starting up")
