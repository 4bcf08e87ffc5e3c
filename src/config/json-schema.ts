import * as z from 'zod';
import { configSchema } from './schema.ts';

/** The JSON Schema (draft 2020-12) of the config file; `config/deep-health.schema.json` is written from it. */
export function configJsonSchema(): unknown {
  return {
    title: 'Deep Health configuration',
    ...z.toJSONSchema(configSchema, { io: 'input', unrepresentable: 'any' }),
  };
}
