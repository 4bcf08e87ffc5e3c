#!/usr/bin/python3
"""An independent RIS for tests, on Debian's python3-hl7.

Reads its settings as one JSON object in argv[1]: port, log, encoding, tls {cert, key, ca}.
Then reads commands from standard input, one JSON object a line, and confirms each with "ok":
  {"mode": "AE"}            how every message is answered from now on
  {"next": ["AE", "drop"]}  how the next messages are answered, before "mode" again
The end of standard input ends it: it never outlives the test that started it.

Modes: AA AE AR CA CE CR   that acknowledgement
       CA+AA CA+AE         commit acknowledgement, then the application's (MSH-15 AL)
       lower               AA in lower case
       no-final-return     AA without the last carriage return before the frame's end
       wrong-id            AA for another message
       wrong-id+AA         AA for another message, then the right one
       slow:S              AA after S seconds
       half                half of the frame of an AA, then nothing
       half+close          the same, then closes
       nothing             no answer
       drop                closes at once, message not kept
       keep+drop           keeps the message, closes without an answer
       noise               bytes that are no HL7, then nothing
Each message goes to the log as one JSON line: controlId, mode, accepted, duplicate, text.
"""
import asyncio
import json
import os
import ssl
import sys

import hl7
from hl7.mllp import start_hl7_server

settings = json.loads(sys.argv[1])
mode = 'AA'
following = []
accepted_ids = set()
log = open(settings['log'], 'a', encoding='utf-8')
KEPT = ('AA', 'CA', 'CA+AA', 'lower', 'no-final-return', 'wrong-id', 'wrong-id+AA', 'half', 'half+close',
        'nothing', 'keep+drop', 'noise')


def record(message, answer):
    control_id = str(message.segment('MSH')[10])
    accepted = answer in KEPT or answer.startswith('slow')
    log.write(json.dumps({
        'controlId': control_id,
        'mode': answer,
        'accepted': accepted,
        'duplicate': control_id in accepted_ids,
        'text': str(message),
    }) + '\n')
    log.flush()
    if accepted:
        accepted_ids.add(control_id)


def ack_of(message, code):
    return str(message.create_ack(ack_code=code, message_id='RIS' + str(len(accepted_ids)),
                                  application='RIS', facility='HOSP'))


def put(writer, text):
    writer.writeblock(text.encode(settings['encoding']))


def half_of(message):
    text = ack_of(message, 'AA').encode(settings['encoding'])
    return b'\x0b' + text[:len(text) // 2]


async def answer_with(how, message, writer):
    """Writes the answer; returns whether the connection goes on."""
    text = ack_of(message, 'AA')
    own = str(message.segment('MSH')[10])
    if how in ('AA', 'AE', 'AR', 'CA', 'CE', 'CR'):
        put(writer, ack_of(message, how))
    elif how in ('CA+AA', 'CA+AE'):
        put(writer, ack_of(message, 'CA'))
        await writer.drain()
        application = ack_of(message, how[3:]).split('\r')
        header = application[0].split('|')
        header += [''] * (16 - len(header))
        header[14] = 'AL'
        put(writer, '\r'.join(['|'.join(header)] + application[1:]))
    elif how == 'lower':
        put(writer, text.replace('MSA|AA|', 'MSA|aa|'))
    elif how == 'no-final-return':
        put(writer, text.rstrip('\r'))
    elif how == 'wrong-id':
        put(writer, text.replace(own, 'SOMEBODY-ELSE'))
    elif how == 'wrong-id+AA':
        put(writer, text.replace(own, 'SOMEBODY-ELSE'))
        put(writer, text)
    elif how.startswith('slow:'):
        await asyncio.sleep(float(how[5:]))
        put(writer, text)
    elif how in ('half', 'half+close'):
        writer.write(half_of(message))
    elif how == 'noise':
        writer.write(b'HTTP/1.1 400 Bad Request\r\n\r\n\x0bhello\x1c\r')
    await writer.drain()
    return how not in ('drop', 'keep+drop', 'half+close')


async def serve(reader, writer):
    try:
        while True:
            message = await reader.readmessage()
            how = following.pop(0) if following else mode
            if 'MSA' in [str(segment[0]) for segment in message]:
                log.write(json.dumps({'commitAck': str(message.segment('MSA')[1]),
                                      'of': str(message.segment('MSA')[2])}) + '\n')
                log.flush()
                continue
            record(message, how)
            if not await answer_with(how, message, writer):
                return
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        writer.close()


async def commands():
    global mode
    loop = asyncio.get_running_loop()
    while True:
        line = await loop.run_in_executor(None, sys.stdin.readline)
        if line == '':
            return
        command = json.loads(line)
        mode = command.get('mode', mode)
        following[:] = command.get('next', following)
        print('ok', flush=True)


async def main():
    context = None
    if settings.get('tls'):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(settings['tls']['cert'], settings['tls']['key'])
        if settings['tls'].get('ca'):
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(settings['tls']['ca'])
    server = await start_hl7_server(serve, host='127.0.0.1', port=settings['port'],
                                    encoding=settings['encoding'], ssl=context)
    print('ready', flush=True)
    async with server:
        await commands()
    # Connections that are still open would keep the loop waiting.
    sys.stdout.flush()
    os._exit(0)


asyncio.run(main())
