local spec, status, metadata = obj.spec or {}, obj.status, obj.metadata
local function say(word, message) return { status = word, message = message } end

-- Since 0.10 the observed generation is a number; before, it was a hash, which says nothing here.
local function is_observed()
  if status == nil then return false end
  local seen = tonumber(status.observedGeneration)
  if seen ~= nil and seen < metadata.generation then return false end
  if spec.workloadRef == nil or metadata.annotations == nil then return true end
  local wanted = tonumber(metadata.annotations["rollout.argoproj.io/workload-generation"])
  return wanted == tonumber(status.workloadObservedGeneration)
end

if not is_observed() then return say("Progressing", "Waiting for rollout spec update to be observed") end
if status.phase ~= nil then
  return say(status.phase == "Paused" and "Suspended" or status.phase, status.message)
end

-- Below: controllers before 1.0, which reported no phase.
local failures = { RolloutAborted = true, ProgressDeadlineExceeded = true }
for _, condition in ipairs(status.conditions or {}) do
  if condition.type == "InvalidSpec" or (condition.type == "Progressing" and failures[condition.reason]) then
    return say("Degraded", condition.message)
  end
end
if spec.paused or (status.pauseConditions ~= nil and #status.pauseConditions > 0) then
  return say("Suspended", "Rollout is paused")
end
if status.currentPodHash == nil then
  return say("Progressing", "Waiting for rollout to finish: status has not been reconciled.")
end
local updated = status.updatedReplicas or 0
if updated < (spec.replicas or 1) then
  return say("Progressing", "Waiting for roll out to finish: More replicas need to be updated")
end
if (status.availableReplicas or 0) < updated then
  return say("Progressing", "Waiting for roll out to finish: updated replicas are still becoming available")
end
-- The name of the stable set moved in 0.8.
local stable = status.stableRS
if stable == nil then stable = "" end
if stable == "" and status.stableRS == nil and status.canary ~= nil then stable = status.canary.stableRS end
if spec.strategy.blueGreen ~= nil then
  if status.blueGreen == nil or status.blueGreen.activeSelector ~= status.currentPodHash then
    return say("Progressing", "active service cutover pending")
  end
  if stable ~= "" and stable ~= status.currentPodHash then
    return say("Progressing", "waiting for analysis to complete")
  end
elseif spec.strategy.canary ~= nil then
  if (status.replicas or 0) > updated then
    return say("Progressing", "Waiting for roll out to finish: old replicas are pending termination")
  end
  if stable == "" or stable ~= status.currentPodHash then
    return say("Progressing", "Waiting for rollout to finish steps")
  end
end
return say("Healthy", "")
