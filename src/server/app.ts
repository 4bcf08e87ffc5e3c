import express, { type Express } from 'express';
import helmet from 'helmet';
import { DeepHealthError } from '../errors/error.ts';
import type { Looks } from '../intake/looks.ts';
import { loggedFailure } from '../observe/log.ts';
import { CHALLENGE } from './access.ts';
import { userNamed } from './audit-trail.ts';
import { apiBounds, boundBodies } from './body-bounds.ts';
import { clientOfRequest } from './client-address.ts';
import { consolePages } from './console/pages.ts';
import type { Pictures } from './console/pictures.ts';
import type { Context } from './context.ts';
import { asFailure, sendFailure } from './failure.ts';
import { sharedReadiness } from './health.ts';
import { oneMeaning } from './one-meaning.ts';
import type { Reading } from './reading.ts';
import type { RefusedSignIns } from './refused-sign-ins.ts';
import { overviewRoutes } from './routes/overview.ts';
import { predictRoute } from './routes/predict.ts';
import { receiveRoute } from './routes/receive.ts';
import { resultRoutes } from './routes/results.ts';
import { studyRoutes } from './routes/studies.ts';
import { triageRoute } from './routes/triage.ts';
import { tryRoute } from './routes/try.ts';
import { sameSiteOnly } from './same-site.ts';
import { createSignIn } from './sign-in.ts';

export interface AppParts {
  readonly context: Context;
  readonly looks: Looks;
  /** Undefined where this process does not read. */
  readonly reading: Reading | undefined;
  readonly refused: RefusedSignIns;
  /** Films as the console shows them. */
  readonly pictures: Pictures;
  /** Whether this process takes in pushed studies. */
  readonly takesIn: boolean;
  /** Something was recorded that has to be worked on. */
  readonly onWork: () => void;
}

/** What each address takes. */
const METHODS: readonly (readonly [RegExp, string])[] = [
  [/^\/dicom-web\/studies(\/[^/]+)?$/, 'POST'],
  [/^\/api\/(predict|try)$/, 'POST'],
  [/^\/api\/(triage|health|activity)$/, 'GET'],
  [/^\/api\/studies$/, 'GET'],
  [/^\/api\/studies\/[^/]+$/, 'GET, POST'],
  [/^\/api\/studies\/[^/]+\/(retry|feedback)$/, 'POST'],
  [/^\/api\/studies\/[^/]+\/films\/[^/]+\/(picture|heat-map)$/, 'GET'],
  [/^\/api\/studies\/[^/]+\/objects\/[^/]+\/(content|picture)$/, 'GET'],
  [/^\/(livez|readyz|metrics)?$/, 'GET'],
  [/^\/console\/[^/]+$/, 'GET'],
];

/**
 * What a page of ours may load and do: our own modules, styles and pictures, and pictures that it was given as
 * bytes. No inline script or style, no text turned into markup, no frame around it, no other host.
 */
const CONTENT_SECURITY_POLICY = {
  useDefaults: false,
  directives: {
    'default-src': ["'self'"],
    'script-src': ["'self'"],
    'script-src-attr': ["'none'"],
    'style-src': ["'self'"],
    'style-src-attr': ["'none'"],
    'img-src': ["'self'", 'blob:'],
    'connect-src': ["'self'"],
    'font-src': ["'none'"],
    'object-src': ["'none'"],
    'base-uri': ["'none'"],
    'form-action': ["'none'"],
    'frame-ancestors': ["'none'"],
    'require-trusted-types-for': ["'script'"],
    'trusted-types': ["'none'"],
  },
};

/** The HTTP interface. Who is not known is turned away before anything of a body is read. */
export function createApp(parts: AppParts): Express {
  const { context, reading } = parts;
  const { log, version, metrics, inForce } = context;
  const app = express();
  app.disable('x-powered-by');
  app.set('etag', false);
  app.set('query parser', 'simple');
  app.use(helmet({ contentSecurityPolicy: CONTENT_SECURITY_POLICY }));
  app.use((_request, response, next) => {
    // Results of people: no cache keeps them.
    response.set('cache-control', 'no-store');
    next();
  });

  app.use(oneMeaning);
  app.get('/livez', (_request, response) => {
    response.json({ alive: true, version });
  });
  const ready = sharedReadiness(context);
  app.get('/readyz', async (_request, response) => {
    const state = await ready();
    response.status(state.ready ? 200 : 503).json(state);
  });

  app.use(sameSiteOnly(inForce));
  const signIn = createSignIn(() => inForce.access);
  app.use((request, response, next) => {
    const outcome = signIn(request);
    if (outcome.kind === 'in') {
      response.locals.user = outcome.user;
      next();
      return;
    }
    response.set('connection', 'close');
    // A browser asks without credentials first; that is no attempt.
    const attempted = request.headers.authorization !== undefined;
    if (attempted && (outcome.kind !== 'held-back' || outcome.first)) {
      parts.refused.note({ name: userNamed(request), address: clientOfRequest(request) });
    }
    if (outcome.kind === 'held-back') {
      if (outcome.first) log.warn({ client: clientOfRequest(request) }, 'Wrong sign-ins are held back');
      response.set('retry-after', String(outcome.seconds));
      sendFailure(response, new DeepHealthError('api.held-back'));
      return;
    }
    response.set('www-authenticate', CHALLENGE);
    sendFailure(response, new DeepHealthError('api.unauthorized'));
  });

  app.get('/metrics', async (_request, response) => {
    if (!inForce.config.observe.metrics) throw new DeepHealthError('api.not-found');
    const { type, body } = await metrics.text();
    response.set('content-type', type).send(body);
  });
  if (parts.takesIn) app.use('/dicom-web/studies', receiveRoute(context, parts.onWork, reading?.headStart));
  app.use(boundBodies(apiBounds(inForce)));
  app.use((request, response, next) => {
    // Whoever waits for it may send the body now, if it is none that is refused by its length; the STOW-RS receiver
    // decides that for itself.
    if (/^100-continue$/i.test(request.headers.expect ?? '')) response.writeContinue();
    next();
  });
  app.use('/api/studies', studyRoutes(context, parts.looks, parts.onWork));
  app.use('/api/studies', resultRoutes(context, parts.pictures));
  app.use('/api/triage', triageRoute(context));
  app.use('/api', overviewRoutes(context, reading));
  if (reading !== undefined) {
    app.use('/api/predict', predictRoute(reading, inForce));
    app.use('/api/try', tryRoute(reading, inForce));
  }
  app.use(consolePages(version));

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
