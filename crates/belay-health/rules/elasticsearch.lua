local function say(word, message) return { status = word, message = message } end
local status = obj.status or {}
local unknown = say("Unknown", "Elasticsearch Cluster status is unknown. Ensure your ArgoCD is current and then check for/file a bug report: https://github.com/argoproj/argo-cd/issues")
if status.availableNodes == nil then return unknown end

local wanted = 0
for _, set in pairs(obj.spec.nodeSets) do wanted = wanted + set.count end
if status.availableNodes < wanted then
  return say("Progressing", "The desired amount of availableNodes is " .. wanted .. " but the current amount is " .. status.availableNodes)
end
if status.availableNodes > wanted or status.phase == nil or status.health == nil then return unknown end

local advice = ". Check the status of indices, replicas and shards"
local by_health = {
  green = say("Healthy", "Elasticsearch Cluster status is Green"),
  yellow = say("Progressing", "Elasticsearch Cluster status is Yellow" .. advice),
  red = say("Degraded", "Elasticsearch Cluster status is Red" .. advice),
}
local by_phase = { ApplyingChanges = "Progressing", MigratingData = "Progressing", Invalid = "Degraded" }
if status.phase == "Ready" then return by_health[status.health] or unknown end
if by_phase[status.phase] then return say(by_phase[status.phase], "Elasticsearch phase is " .. status.phase) end
return unknown
