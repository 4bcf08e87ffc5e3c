/**
 * `node measure.ts MODEL_FOLDER`: measures the engine and prints the choice as JSON. A process of its own, because
 * what trying takes in memory would stay with the service for good.
 */
import { backboneOf } from '../classify.ts';
import { readModelFolder } from '../folder.ts';
import { measureEngine } from './choice.ts';

const measured = await measureEngine(backboneOf(await readModelFolder(process.argv[2] ?? '')));
process.stdout.write(JSON.stringify(measured));
