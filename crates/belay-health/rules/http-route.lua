-- Parents that have not seen the newest generation yet are passed over.
local function has_seen(parent)
  if obj.metadata.generation == nil then return true end
  if parent.conditions == nil or #parent.conditions == 0 then return false end
  for _, condition in ipairs(parent.conditions) do
    local seen = condition.observedGeneration
    if seen ~= nil and seen ~= obj.metadata.generation then return false end
  end
  return true
end

local function find(parent, type, is_bad)
  for _, condition in ipairs(parent.conditions) do
    if condition.type == type and is_bad(condition.status) then return condition end
  end
end

local function is_false(status) return status == "False" end
local function is_not_true(status) return status ~= "True" end

local parents = obj.status and obj.status.parents or {}
local healthy = false
for _, parent in ipairs(parents) do
  if parent.conditions ~= nil and has_seen(parent) then
    local place = "Parent " .. (parent.parentRef and parent.parentRef.name or "") .. ": "
    for _, type in ipairs({ "ResolvedRefs", "Accepted" }) do
      local bad = find(parent, type, is_false)
      if bad then
        return { status = "Degraded", message = place .. (bad.message or "Failed condition: " .. type) }
      end
    end
    local waiting = find(parent, "Programmed", is_not_true)
    if waiting then
      return { status = "Progressing", message = place .. (waiting.message or "Route is still being programmed") }
    end
    healthy = healthy or #parent.conditions > 0
  end
end
if healthy then return { status = "Healthy", message = "HTTPRoute is healthy" } end
return { status = "Progressing", message = "Waiting for HTTPRoute status" }
