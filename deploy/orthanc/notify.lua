-- Tells Deep Health of every stable study that holds a CR or DX series, so that it is read at once.
-- Put the path of this file into "LuaScripts" of orthanc.json. Set "StableAge" there to the seconds after
-- which a study without new instances counts as complete.

local service = 'http://127.0.0.1:8104'
local token = ''   -- of server.tokens in deep-health.yaml; empty without authentication
local source = ''  -- name of this Orthanc in deep-health.yaml; empty: any configured PACS

local function hasFilms(studyId)
   for _, series in ipairs(ParseJson(RestApiGet('/studies/' .. studyId .. '/series'))) do
      local modality = series['MainDicomTags']['Modality']
      if modality == 'CR' or modality == 'DX' then return true end
   end
   return false
end

function OnStableStudy(studyId, tags, metadata)
   if not hasFilms(studyId) then return end
   local body = {}
   if source ~= '' then body['source'] = source end
   local headers = { ['Content-Type'] = 'application/json' }
   if token ~= '' then headers['Authorization'] = 'Bearer ' .. token end
   -- An empty Lua table would become a JSON list.
   local json = next(body) and DumpJson(body, true) or '{}'
   -- Called again for the same study (our results arrive there too) does no harm: only new films are read.
   local ok = pcall(HttpPost, service .. '/api/studies/' .. tags['StudyInstanceUID'], json, headers)
   if not ok then print('Deep Health could not be told of a study') end
end
