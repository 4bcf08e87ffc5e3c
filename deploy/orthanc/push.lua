-- Pushes the CR and DX series of every stable study to Deep Health by STOW-RS, for installations in which
-- Deep Health cannot reach Orthanc. Needs "DicomWeb": {"Servers": {"deep-health": {"Url":
-- "http://127.0.0.1:8104/dicom-web/"}}} in orthanc.json, with Username and Password where Deep Health asks
-- for them. Our own results are of other modalities and are not pushed back.

function OnStableStudy(studyId, tags, metadata)
   local films = {}
   for _, series in ipairs(ParseJson(RestApiGet('/studies/' .. studyId .. '/series'))) do
      local modality = series['MainDicomTags']['Modality']
      if modality == 'CR' or modality == 'DX' then table.insert(films, series['ID']) end
   end
   if #films == 0 then return end
   local order = { Resources = films, Synchronous = false }
   RestApiPost('/dicom-web/servers/deep-health/stow', DumpJson(order, true))
end
