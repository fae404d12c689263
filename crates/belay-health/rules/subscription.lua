local status, spec = obj.status, obj.spec or {}
local conditions = status and status.conditions
if conditions == nil then
  return { status = "Progressing", message = "An install plan for a subscription is pending installation" }
end

-- What waits for a person's approval, and runs meanwhile, is healthy.
local function waits_for_approval()
  if spec.installPlanApproval ~= "Manual" or status.installedCSV == nil then return false end
  for _, condition in ipairs(conditions) do
    if condition.type == "InstallPlanPending" and condition.status == "True" and condition.reason == "RequiresApproval" then
      return true
    end
  end
  return false
end

local approval = waits_for_approval()
local failures = { CatalogSourcesUnhealthy = true, InstallPlanFailed = true, ResolutionFailed = true }
local broken, pending, text = false, false, ""
for index, condition in ipairs(conditions) do
  if not (approval and condition.type == "InstallPlanPending") then
    text = text .. index .. ": " .. condition.type .. " | " .. condition.status .. "\n"
    if condition.type == "InstallPlanPending" and condition.status == "True" then
      pending = true
    elseif condition.type == "InstallPlanMissing" and condition.reason ~= "ReferencedInstallPlanNotFound" then
      broken = true
    elseif failures[condition.type] and condition.status == "True" then
      broken = true
    end
  end
end

local state = status.state
if state == nil then
  pending, text = true, text .. ".status.state not yet known\n"
elseif state == "UpgradePending" and approval then
  text = text .. ".status.state is 'UpgradePending' (manual InstallPlan approval pending; treated as healthy)\n"
else
  text = text .. ".status.state is '" .. state .. "'\n"
  pending = pending or state == "" or state == "UpgradeAvailable" or state == "UpgradePending"
  broken = broken or state == "UpgradeFailed"
end
return { status = broken and "Degraded" or pending and "Progressing" or "Healthy", message = text }
