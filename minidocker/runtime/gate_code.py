"""The gate's code: a table of instructions for each machine, and how it becomes bytes."""

from __future__ import annotations

# One instruction a line: [label:] bytes, mnemonic. ">label" stands for a distance that `assemble`
# fills in. After the code comes the data: see `data`. rbx argc, r12 data, r13 step, rbp errno.
X86_64 = """
start:  4c8d25 >data      lea    r12, [rip + data]
        8b1c24            mov    ebx, [rsp]
        41bd02000000      mov    r13d, 2
        b848000000        mov    eax, 72
        418b3c24          mov    edi, [r12]
        be02000000        mov    esi, 2
        ba01000000        mov    edx, 1
        0f05              syscall
        83f8f7            cmp    eax, -9
        0f84 >again       je     again
        85c0              test   eax, eax
        74 >wait          je     wait
        b8b4010000        mov    eax, 436
        418b3c24          mov    edi, [r12]
        89fe              mov    esi, edi
        ba04000000        mov    edx, 4
        0f05              syscall
        85c0              test   eax, eax
        0f85 >failed      jne    failed
wait:   418b7c2404        mov    edi, [r12 + 4]
        85ff              test   edi, edi
        78 >label         js     label
        41bd03000000      mov    r13d, 3
        31c0              xor    eax, eax
        4889e6            mov    rsi, rsp
        ba01000000        mov    edx, 1
        0f05              syscall
        83f8fc            cmp    eax, -4
        74 >wait          je     wait
        83f801            cmp    eax, 1
        0f85 >failed      jne    failed
        b803000000        mov    eax, 3
        418b7c2404        mov    edi, [r12 + 4]
        0f05              syscall
        85c0              test   eax, eax
        0f85 >failed      jne    failed
label:  418b7c2438        mov    edi, [r12 + 56]
        85ff              test   edi, edi
        78 >sets          js     sets
        41bd05000000      mov    r13d, 5
        b801010000        mov    eax, 257
        498d742440        lea    rsi, [r12 + 64]
        ba01000800        mov    edx, 524289
        0f05              syscall
        85c0              test   eax, eax
        0f88 >failed      js     failed
        89c7              mov    edi, eax
        b801000000        mov    eax, 1
        498db42490000000  lea    rsi, [r12 + 144]
        418b54243c        mov    edx, [r12 + 60]
        0f05              syscall
        85c0              test   eax, eax
        0f88 >failed      js     failed
        b803000000        mov    eax, 3
        418b7c2438        mov    edi, [r12 + 56]
        0f05              syscall
sets:   41837c240800      cmp    dword [r12 + 8], 0
        74 >go            je     go
        41bd04000000      mov    r13d, 4
        b87e000000        mov    eax, 126
        498d7c2408        lea    rdi, [r12 + 8]
        498d742410        lea    rsi, [r12 + 16]
        0f05              syscall
        85c0              test   eax, eax
        0f85 >failed      jne    failed
        4531ff            xor    r15d, r15d
lower:  4d0fa37c2428      bt     qword [r12 + 40], r15
        73 >next          jae    next
        b89d000000        mov    eax, 157
        bf2f000000        mov    edi, 47
        be03000000        mov    esi, 3
        4489fa            mov    edx, r15d
        4531d2            xor    r10d, r10d
        4531c0            xor    r8d, r8d
        0f05              syscall
        85c0              test   eax, eax
        0f85 >failed      jne    failed
next:   41ffc7            inc    r15d
        4183ff40          cmp    r15d, 64
        75 >lower         jne    lower
go:     41bd01000000      mov    r13d, 1
        b83b000000        mov    eax, 59
        488b7c2408        mov    rdi, [rsp + 8]
        488d742410        lea    rsi, [rsp + 16]
        488d54dc10        lea    rdx, [rsp + rbx * 8 + 16]
        0f05              syscall
failed: f7d8              neg    eax
        89c5              mov    ebp, eax
        44892c24          mov    [rsp], r13d
        896c2404          mov    [rsp + 4], ebp
        b801000000        mov    eax, 1
        418b3c24          mov    edi, [r12]
        4889e6            mov    rsi, rsp
        ba08000000        mov    edx, 8
        0f05              syscall
leave:  31ff              xor    edi, edi
        83fd02            cmp    ebp, 2
        400f94c7          sete   dil
        83c77e            add    edi, 126
        b8e7000000        mov    eax, 231
        0f05              syscall
        b83c000000        mov    eax, 60
        0f05              syscall
        f4                hlt
again:  31ed              xor    ebp, ebp
        b801000000        mov    eax, 1
        bf02000000        mov    edi, 2
        498d742448        lea    rsi, [r12 + 72]
        418b542430        mov    edx, [r12 + 48]
        0f05              syscall
        eb >leave         jmp    leave
"""
# x19 data, w20 argc, w21 step, w22 errno, w23 and x24 the capabilities to lower
AARCH64 = """
start:  10000013 >data    adr    x19, data
        b94003f4          ldr    w20, [sp]
        52800055          mov    w21, #2
        52800328          mov    w8, #25
        b9400260          ldr    w0, [x19]
        52800041          mov    w1, #2
        52800022          mov    w2, #1
        d4000001          svc    #0
        3100241f          cmn    w0, #9
        54000000 >again   b.eq   again
        34000000 >wait    cbz    w0, wait
        52803688          mov    w8, #436
        b9400260          ldr    w0, [x19]
        2a0003e1          mov    w1, w0
        52800082          mov    w2, #4
        d4000001          svc    #0
        35000000 >failed  cbnz   w0, failed
wait:   b9400660          ldr    w0, [x19, #4]
        37f80000 >label   tbnz   w0, #31, label
        52800075          mov    w21, #3
        528007e8          mov    w8, #63
        910003e1          mov    x1, sp
        52800022          mov    w2, #1
        d4000001          svc    #0
        3100101f          cmn    w0, #4
        54000000 >wait    b.eq   wait
        7100041f          cmp    w0, #1
        54000001 >failed  b.ne   failed
        52800728          mov    w8, #57
        b9400660          ldr    w0, [x19, #4]
        d4000001          svc    #0
        35000000 >failed  cbnz   w0, failed
label:  b9403a60          ldr    w0, [x19, #56]
        37f80000 >sets    tbnz   w0, #31, sets
        528000b5          mov    w21, #5
        52800708          mov    w8, #56
        91010261          add    x1, x19, #64
        52800022          mov    w2, #1
        72a00102          movk   w2, #8, lsl #16
        d4000001          svc    #0
        37f80000 >failed  tbnz   w0, #31, failed
        52800808          mov    w8, #64
        91024261          add    x1, x19, #144
        b9403e62          ldr    w2, [x19, #60]
        d4000001          svc    #0
        37f80000 >failed  tbnz   w0, #31, failed
        52800728          mov    w8, #57
        b9403a60          ldr    w0, [x19, #56]
        d4000001          svc    #0
sets:   b9400a60          ldr    w0, [x19, #8]
        34000000 >go      cbz    w0, go
        52800095          mov    w21, #4
        52800b68          mov    w8, #91
        91002260          add    x0, x19, #8
        91004261          add    x1, x19, #16
        d4000001          svc    #0
        35000000 >failed  cbnz   w0, failed
        52800017          mov    w23, #0
        f9401678          ldr    x24, [x19, #40]
lower:  36000018 >next    tbz    w24, #0, next
        528014e8          mov    w8, #167
        528005e0          mov    w0, #47
        52800061          mov    w1, #3
        2a1703e2          mov    w2, w23
        52800003          mov    w3, #0
        52800004          mov    w4, #0
        d4000001          svc    #0
        35000000 >failed  cbnz   w0, failed
next:   110006f7          add    w23, w23, #1
        d341ff18          lsr    x24, x24, #1
        b5000018 >lower   cbnz   x24, lower
go:     52800035          mov    w21, #1
        52801ba8          mov    w8, #221
        f94007e0          ldr    x0, [sp, #8]
        910043e1          add    x1, sp, #16
        8b140c22          add    x2, x1, x20, lsl #3
        d4000001          svc    #0
failed: 4b0003f6          neg    w22, w0
        29005bf5          stp    w21, w22, [sp]
        52800808          mov    w8, #64
        b9400260          ldr    w0, [x19]
        910003e1          mov    x1, sp
        52800102          mov    w2, #8
        d4000001          svc    #0
leave:  52800fc0          mov    w0, #126
        71000adf          cmp    w22, #2
        1a801400          cinc   w0, w0, eq
        52800bc8          mov    w8, #94
        d4000001          svc    #0
        52800ba8          mov    w8, #93
        d4000001          svc    #0
        00000000          udf    #0
again:  52800016          mov    w22, #0
        52800808          mov    w8, #64
        52800040          mov    w0, #2
        91012261          add    x1, x19, #72
        b9403262          ldr    w2, [x19, #48]
        d4000001          svc    #0
        14000000 >leave   b      leave
"""


def lines(table: str) -> list[tuple[str, str, str, str]]:
    """Read a table: (label or "", hexadecimal bytes, label that it points to or "", mnemonic)."""
    found = []
    for line in table.strip().splitlines():
        label, code, rest = line[:8].strip(" :"), line[8:26].split(), line[26:]
        found.append((label, code[0], code[1][1:] if len(code) > 1 else "", rest))
    return found


def assemble(machine: str) -> bytes:
    """Return the code for "x86_64" or "aarch64"; its data follows at once."""
    x86 = machine == "x86_64"
    rows = lines(X86_64 if x86 else AARCH64)
    places, place = {}, 0
    for label, code, points, _ in rows:
        places[label] = place
        place += len(code) // 2 + (x86_distance(code) if x86 and points else 0)
    places["data"] = -place % 8 + place
    out = bytearray()
    for _, code, points, _ in rows:
        distance = places[points] - len(out) if points else 0
        if x86:
            out += bytes.fromhex(code)
            if points:
                size = x86_distance(code)
                out += (distance - len(code) // 2 - size).to_bytes(size, "little", signed=True)
        else:
            out += (int(code, 16) | arm_distance(code, distance)).to_bytes(4, "little")
    return bytes(out).ljust(places["data"], b"\0")


def x86_distance(code: str) -> int:
    """Say how many bytes a distance has: four after `lea` and a long jump, one after a short."""
    return 4 if code.startswith(("4c8d", "0f8")) else 1


def arm_distance(code: str, distance: int) -> int:
    """Put a distance into the bits where this kind of instruction has it. Arm ARM, C4.1"""
    if code.startswith("10"):  # adr: 19 bits above 2 bits
        return (distance >> 2 & 0x7FFFF) << 5 | (distance & 3) << 29
    words = distance >> 2
    if code.startswith("14"):  # b
        return words & 0x3FFFFFF
    if code[:2] in ("36", "37"):  # tbz, tbnz
        return (words & 0x3FFF) << 5
    return (words & 0x7FFFF) << 5  # b.cond, cbz, cbnz
