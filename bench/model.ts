import { fileURLToPath } from 'node:url';

/** The shipped model. */
export const MODEL = fileURLToPath(new URL('../models/pneumonia-inception-v3', import.meta.url));
