import express, { type Express } from 'express';
import helmet from 'helmet';
import { DeepHealthError } from '../errors/error.ts';
import type { Looks } from '../intake/looks.ts';
import { loggedFailure } from '../observe/log.ts';
import { CHALLENGE } from './access.ts';
import type { Context } from './context.ts';
import { asFailure, sendFailure } from './failure.ts';
import { readiness } from './health.ts';
import { frontPage } from './page.ts';
import type { Reading } from './reading.ts';
import { predictRoute } from './routes/predict.ts';
import { receiveRoute } from './routes/receive.ts';
import { studyRoutes } from './routes/studies.ts';

export interface AppParts {
  readonly context: Context;
  readonly looks: Looks;
  /** Undefined where this process does not read. */
  readonly reading: Reading | undefined;
  /** Whether this process takes in pushed studies. */
  readonly takesIn: boolean;
  /** Something was recorded that has to be worked on. */
  readonly onWork: () => void;
}

/** What each address takes. */
const METHODS: readonly (readonly [RegExp, string])[] = [
  [/^\/dicom-web\/studies(\/[^/]+)?$/, 'POST'],
  [/^\/api\/predict$/, 'POST'],
  [/^\/api\/studies$/, 'GET'],
  [/^\/api\/studies\/[^/]+$/, 'GET, POST'],
  [/^\/api\/studies\/[^/]+\/(retry|feedback)$/, 'POST'],
  [/^\/(livez|readyz|metrics)?$/, 'GET'],
];

/** The HTTP interface. Who is not known is turned away before anything of a body is read. */
export function createApp(parts: AppParts): Express {
  const { context, reading } = parts;
  const { log, version, metrics, inForce } = context;
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
    response.json({ alive: true, version });
  });
  app.get('/readyz', async (_request, response) => {
    const state = await readiness(context);
    response.status(state.ready ? 200 : 503).json(state);
  });

  app.use((request, response, next) => {
    const user = inForce.access.signIn(request);
    if (user === undefined) {
      response.set({ 'www-authenticate': CHALLENGE, connection: 'close' });
      sendFailure(response, new DeepHealthError('api.unauthorized'));
      return;
    }
    response.locals.user = user;
    next();
  });

  app.get('/metrics', async (_request, response) => {
    if (!inForce.config.observe.metrics) throw new DeepHealthError('api.not-found');
    const { type, body } = await metrics.text();
    response.set('content-type', type).send(body);
  });
  if (parts.takesIn) app.use('/dicom-web/studies', receiveRoute(context, parts.onWork));
  app.use((request, response, next) => {
    // Whoever waits for it may send the body now; the STOW-RS receiver decides that for itself.
    if (/^100-continue$/i.test(request.headers.expect ?? '')) response.writeContinue();
    next();
  });
  app.use('/api/studies', studyRoutes(context, parts.looks, parts.onWork));
  if (reading !== undefined) app.use('/api/predict', predictRoute(reading, inForce));
  app.get('/', (_request, response) => {
    response.type('html').send(frontPage(version));
  });

  app.use((request, response) => {
    const path = request.path.replace(/(.)\/$/, '$1');
    const allowed = METHODS.find(([address]) => address.test(path))?.[1];
    // What takes the method came here because there is nothing (metrics switched off).
    if (allowed === undefined || allowed.split(', ').includes(request.method))
      throw new DeepHealthError('api.not-found');
    response.set('allow', allowed);
    throw new DeepHealthError('api.method');
  });
  app.use(
    (error: unknown, _request: express.Request, response: express.Response, _next: express.NextFunction) => {
      const failure = asFailure(error);
      if (failure === undefined) log.error(loggedFailure(error), 'A request met an unknown failure');
      sendFailure(response, failure ?? new DeepHealthError('internal.unexpected'));
    },
  );
  return app;
}
