import express, { type Express } from 'express';
import helmet from 'helmet';
import type { ReceiveLimits } from '../dicom/web/receive.ts';
import { handleStow } from '../dicom/web/receive-http.ts';
import { DeepHealthError } from '../errors/error.ts';
import type { IntakeRules } from '../intake/film-classes.ts';
import { isReceivedClass } from '../intake/film-classes.ts';
import { createReceiveSink, type Receiving, settleReceived } from '../intake/receive.ts';
import { loggedFailure } from '../observe/log.ts';
import type { Metrics } from '../observe/metrics.ts';
import { type Access, CHALLENGE } from './access.ts';
import { asFailure, sendFailure } from './failure.ts';
import { type HealthChecks, readiness } from './health.ts';
import { frontPage } from './page.ts';
import { type Predicting, predictRoute } from './routes/predict.ts';
import { type StudyRoutes, studyRoutes } from './routes/studies.ts';

export interface AppParts {
  readonly receiving: Receiving;
  rules(): IntakeRules;
  limits(): Partial<ReceiveLimits>;
  readonly studies: StudyRoutes;
  /** Undefined where this process does not read. */
  readonly predicting: Predicting | undefined;
  readonly metrics: Metrics;
  readonly health: HealthChecks;
  readonly version: string;
  access(): Access;
  metricsEnabled(): boolean;
  /** Whether this process takes in studies. */
  readonly takesIn: boolean;
}

/** The HTTP interface. Who is not known is turned away before anything of a body is read. */
export function createApp(parts: AppParts): Express {
  const { receiving, metrics, health } = parts;
  const app = express();
  app.disable('x-powered-by');
  app.set('etag', false);
  app.set('query parser', 'simple');
  app.use(helmet({ contentSecurityPolicy: { directives: { 'upgrade-insecure-requests': null } } }));
  app.use((_request, response, next) => {
    // Results of people: no cache keeps them.
    response.set('cache-control', 'no-store');
    next();
  });

  app.get('/livez', (_request, response) => {
    response.json({ alive: true, version: parts.version });
  });
  app.get('/readyz', async (_request, response) => {
    const state = await readiness(health);
    response.status(state.ready ? 200 : 503).json(state);
  });

  app.use((request, response, next) => {
    const user = parts.access().signIn(request);
    if (user === undefined) {
      response.set({ 'www-authenticate': CHALLENGE, connection: 'close' });
      sendFailure(response, new DeepHealthError('api.unauthorized'));
      return;
    }
    response.locals.user = user;
    next();
  });

  app.get('/metrics', async (_request, response) => {
    if (!parts.metricsEnabled()) throw new DeepHealthError('api.not-found');
    const { type, body } = await metrics.text();
    response.set('content-type', type).send(body);
  });

  const sink = createReceiveSink(receiving);
  app.post(['/dicom-web/studies', '/dicom-web/studies/:study'], async (request, response) => {
    if (!parts.takesIn) throw new DeepHealthError('api.not-found', 'This process takes no studies in.');
    const { study } = request.params as { study?: string };
    const receipt = await handleStow(request, response, {
      folder: receiving.folder.films,
      sink,
      limits: parts.limits(),
      acceptsClass: (uid) => isReceivedClass(uid, parts.rules()),
      beforeAnswer: (done) => settleReceived(receiving, done),
      onFailure: (error) => receiving.log.error(loggedFailure(error), 'A received film could not be kept'),
      ...(study === undefined ? {} : { study }),
    });
    if (receipt === undefined) return;
    metrics.received('stored', receipt.stored);
    metrics.received('failed', receipt.failed);
    receiving.log.info(
      {
        studies: receipt.studies.length,
        stored: receipt.stored,
        failed: receipt.failed,
        status: receipt.answer.status,
      },
      'Received',
    );
  });

  app.use((request, response, next) => {
    // Whoever waits for it may send the body now; the STOW-RS receiver decides that for itself.
    if (/^100-continue$/i.test(request.headers.expect ?? '')) response.writeContinue();
    next();
  });
  app.use('/api/studies', studyRoutes(parts.studies));
  if (parts.predicting !== undefined) app.use('/api/predict', predictRoute(parts.predicting));
  app.get('/', (_request, response) => {
    response.type('html').send(frontPage(parts.version));
  });

  const methods: Readonly<Record<string, string>> = {
    '/dicom-web/studies': 'POST',
    '/api/predict': 'POST',
    '/api/studies': 'GET',
    '/metrics': 'GET',
  };
  app.use((request, response) => {
    const allowed = methods[request.path.replace(/\/$/, '')];
    if (allowed === undefined) throw new DeepHealthError('api.not-found');
    response.set('allow', allowed);
    throw new DeepHealthError('api.method');
  });
  app.use(
    (error: unknown, _request: express.Request, response: express.Response, _next: express.NextFunction) => {
      const failure = asFailure(error);
      if (failure === undefined)
        receiving.log.error(loggedFailure(error), 'A request met an unknown failure');
      sendFailure(response, failure ?? new DeepHealthError('internal.unexpected'));
    },
  );
  return app;
}
