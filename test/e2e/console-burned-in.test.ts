/** A film that says that text is burned in (0028,0301) may name its patient: who sees no patients sees none of its pictures. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { element } from '../../src/dicom/phantom/header.ts';
import { film, startDaemon, studyOf, type TestDaemon } from './daemon.ts';

const burned = film(994, { attributes: { '00280301': element('CS', 'YES') } });
const clean = film(995);
let daemon: TestDaemon;

before(async () => {
  daemon = await startDaemon({ config: {} });
  for (const each of [burned, clean]) {
    const answer = await daemon.push(each);
    await answer.body?.cancel();
    await daemon.reaches(studyOf(each), 'delivered');
  }
});
after(() => daemon?.remove());

/** Status of each address at which a picture of the study's film is to be had. */
async function answers(bytes: Uint8Array): Promise<number[]> {
  const study = studyOf(bytes);
  const { films = [], objects = [] } = (await daemon.study(study)) ?? {};
  const heatMap = objects.find(({ kind }) => kind === 'heat-map');
  const paths = [
    `films/${films[0]?.sopInstanceUid}/picture`,
    `films/${films[0]?.sopInstanceUid}/heat-map`,
    `objects/${heatMap?.uid}/picture`,
  ];
  return Promise.all(
    paths.map(async (path) => {
      const answer = await fetch(`${daemon.url}/api/studies/${study}/${path}`);
      await answer.body?.cancel();
      return answer.status;
    }),
  );
}

test('neither the film nor its heat map is shown, as it was sent or cut out of it; those of others are', async () => {
  assert.deepEqual(await answers(burned), [403, 403, 403]);
  assert.deepEqual(await answers(clean), [200, 200, 200]);
});
