/**
 * OHIF 3.13 over Orthanc's DICOMweb, as docs/viewers.md describes and the tests run it. Served as
 * /app-config.js beside OHIF's own files; the same web server passes /dicom-web on to Orthanc and adds the
 * password there, so that no browser has one.
 */
/** Series descriptions by which Deep Health's objects are known; the rest of them may be changed. */
const REPORT = 'AI report';
const HEAT_MAP = 'AI heat map';

/** Film on the left, beside it the heat map above the report to read. */
const filmAndResult = {
  id: 'deep-health',
  name: 'Film with AI result',
  protocolMatchingRules: [
    { id: 'report-is-there', weight: 1000, attribute: 'deepHealthReport', constraint: { equals: true } },
  ],
  numberOfPriorsReferenced: 0,
  toolGroupIds: ['default'],
  displaySetSelectors: {
    film: {
      seriesMatchingRules: [
        { attribute: 'Modality', constraint: { contains: ['DX', 'CR'] }, weight: 10 },
        { attribute: 'numImageFrames', constraint: { greaterThan: { value: 0 } }, required: true },
      ],
    },
    heatMap: {
      seriesMatchingRules: [
        { attribute: 'SeriesDescription', constraint: { startsWith: HEAT_MAP }, required: true },
        { attribute: 'newestOfItsKind', constraint: { equals: true }, required: true },
      ],
    },
    report: {
      seriesMatchingRules: [
        { attribute: 'SeriesDescription', constraint: { startsWith: REPORT }, required: true },
        { attribute: 'newestOfItsKind', constraint: { equals: true }, required: true },
      ],
    },
  },
  // The first one for which everything is there; heat maps can be switched off.
  stages: [
    stage(
      [
        ['film', { x: 0, y: 0, width: 0.6, height: 1 }],
        ['heatMap', { x: 0.6, y: 0, width: 0.4, height: 0.5 }],
        ['report', { x: 0.6, y: 0.5, width: 0.4, height: 0.5 }],
      ],
      2,
    ),
    stage(
      [
        ['film', { x: 0, y: 0, width: 0.6, height: 1 }],
        ['report', { x: 0.6, y: 0, width: 0.4, height: 1 }],
      ],
      1,
    ),
  ],
};

function stage(places, rows) {
  return {
    name: places.map(([id]) => id).join(', '),
    stageActivation: { enabled: { minViewportsMatched: places.length } },
    viewportStructure: {
      layoutType: 'grid',
      properties: { rows, columns: 2, layoutOptions: places.map(([, place]) => place) },
    },
    viewports: places.map(([id]) => ({
      viewportOptions: { viewportType: 'stack', toolGroupId: 'default', allowUnmatchedView: true },
      displaySets: [{ id }],
    })),
  };
}

/**
 * When the newest instance of a series was made: a study that was read again has an older report too. A film
 * that follows at once is read within the same second; then the number tells, which rises with every reading.
 */
function newestContent({ instances = [], SeriesNumber = 0 }) {
  const number = String(SeriesNumber).padStart(12, '0');
  return instances.reduce((newest, { ContentDate = '', ContentTime = '' }) => {
    const made = `${ContentDate}${ContentTime} ${number}`;
    return made > newest ? made : newest;
  }, '');
}

window.config = {
  name: 'deep-health',
  routerBasename: '/',
  extensions: [
    {
      id: 'deep-health',
      preRegistration: ({ servicesManager }) => {
        const { hangingProtocolService } = servicesManager.services;
        hangingProtocolService.addCustomAttribute(
          'deepHealthReport',
          'Whether the study holds a report of Deep Health',
          (study, { displaySets = [] } = {}) =>
            displaySets.some(
              ({ StudyInstanceUID, SeriesDescription = '' }) =>
                StudyInstanceUID === (study.StudyInstanceUID ?? study.studyInstanceUid) &&
                SeriesDescription.startsWith(REPORT),
            ),
        );
        hangingProtocolService.addCustomAttribute(
          'newestOfItsKind',
          'Whether no series of the same description has newer content',
          (series, { displaySets = [] } = {}) =>
            displaySets.every(
              (other) =>
                other.SeriesDescription !== series.SeriesDescription ||
                newestContent(other) <= newestContent(series),
            ),
        );
      },
      getHangingProtocolModule: () => [{ name: filmAndResult.id, protocol: filmAndResult }],
    },
  ],
  modes: [],
  modesConfiguration: {
    '@ohif/mode-longitudinal': { hangingProtocol: { $set: ['default', filmAndResult.id] } },
  },
  customizationService: [
    {
      // OHIF would offer to play the heat map as a film of moving pictures.
      autoCineModalities: { $set: ['US'] },
      // Window and level of a colour picture mean nothing, and would stand over the heat map's legend.
      'viewportOverlay.bottomLeft': {
        0: {
          condition: {
            $set: ({ instance, referenceInstance }) => (instance ?? referenceInstance)?.Modality !== 'OT',
          },
        },
      },
      // No tour of the viewer before the first film is seen.
      'ohif.tours': { $set: [] },
    },
  ],
  showStudyList: true,
  showLoadingIndicator: true,
  showWarningMessageForCrossOrigin: false,
  showCPUFallbackMessage: false,
  strictZSpacingForVolumeViewport: true,
  maxNumberOfWebWorkers: 2,
  maxNumRequests: { interaction: 100, thumbnail: 5, prefetch: 25 },
  investigationalUseDialog: { option: 'never' },
  defaultDataSourceName: 'orthanc',
  dataSources: [
    {
      namespace: '@ohif/extension-default.dataSourcesModule.dicomweb',
      sourceName: 'orthanc',
      configuration: {
        friendlyName: 'Orthanc',
        name: 'orthanc',
        qidoRoot: '/dicom-web',
        wadoRoot: '/dicom-web',
        wadoUriRoot: '/wado',
        qidoSupportsIncludeField: true,
        imageRendering: 'wadors',
        thumbnailRendering: 'wadors',
        enableStudyLazyLoad: true,
        supportsFuzzyMatching: false,
        supportsWildcard: true,
        supportsReject: false,
        dicomUploadEnabled: false,
        omitQuotationForMultipartRequest: true,
        // Orthanc would turn compressed films into uncompressed ones otherwise, and fails on some.
        acceptHeader: ['multipart/related; type=application/octet-stream; transfer-syntax=*'],
        bulkDataURI: { enabled: true, relativeResolution: 'studies' },
      },
    },
  ],
};
