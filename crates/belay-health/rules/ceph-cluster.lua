local status = obj.status
if status == nil then return { status = "Progressing", message = "Waiting for status to be reported" } end
local word, parts = "Progressing", {}

-- What is wrong, in the order of the checks' names.
local function details(ceph)
  local names, messages = {}, {}
  for name in pairs(ceph.details or {}) do table.insert(names, name) end
  table.sort(names)
  for _, name in ipairs(names) do table.insert(messages, ceph.details[name].message) end
  return #messages > 0 and " (" .. table.concat(messages, "; ") .. ")" or ""
end

if status.ceph ~= nil and status.ceph.health ~= nil then
  local words = { HEALTH_ERR = "Degraded", HEALTH_WARN = "Degraded", HEALTH_OK = "Healthy" }
  word = words[status.ceph.health] or word
  table.insert(parts, "Ceph health is " .. status.ceph.health .. details(status.ceph))
end
if status.state ~= nil and word == "Healthy" then
  local words = { Created = "Healthy", Connected = "Healthy", Error = "Degraded" }
  word = words[status.state] or "Progressing"
  table.insert(parts, "Ceph cluster state is " .. status.state)
end
if status.message ~= nil and status.message ~= "" then table.insert(parts, status.message) end
return { status = word, message = table.concat(parts, " - ") }
