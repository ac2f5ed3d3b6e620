#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Makes of a static library one that failures are injected into, and its functions' wrappers.

usage: generate.py RESULT WRAPPERS LIBRARY CC AR OBJCOPY NM SOURCE_ROOT FOLDER...

In RESULT each call of calls.h is one of 'inject_' and its name, and each function that can return an
error is called 'plain_' and its name: so the library's own calls of it are not wrapped. WRAPPERS is
C code with the functions that the test calls instead. What they are like is said by the headers of
the folders; pointers are all alike to who hands them on.
"""
import os
import pathlib
import re
import subprocess
import sys
import tempfile

# They say no error, or only that a sleep was interrupted; some are known by their address or looked for
# in stacks, or come from a test that has a --wrap.
NOT_WRAPPED = re.compile(r"dma_fence_get(_rcu|_rcu_safe|_stub)?$|dma_fence_rcu_|dma_fence_wait(_\w+)?$"
                         r"|dma_resv_wait_timeout$|dma_ww_mutex_|dma_fence_syncobj_wait$"
                         r"|dma_fence_add_callback$|dma_resv_lock_many$|softgpu_check_commands$")

# What a library may call that cannot fail for want of anything, or says it another way.
CANNOT_FAIL = set("""
    abort bsearch clock_gettime closedir dirfd dl_iterate_phdr dladdr dladdr1 dlsym eventfd_read
    eventfd_write exit ferror fflush flockfile fprintf fputc fputs free funlockfile fwrite
    getenv getpid gettid memchr memcmp memcpy memmove memset nanosleep pause
    program_invocation_short_name pthread_atfork pthread_attr_destroy
    pthread_attr_setdetachstate pthread_attr_setstacksize pthread_detach pthread_mutex_lock
    pthread_mutex_unlock pthread_once pthread_self pthread_setname_np pthread_setspecific
    pthread_sigmask qsort qsort_r readdir64 sched_yield secure_getenv sigaddset sigemptyset
    sigfillset sigismember sigpending snprintf stderr strchr strcmp strcspn strerror strlen
    strncmp strnlen strrchr strstr strtol strtoll strtoul sysconf timerfd_settime vfprintf
    vsnprintf
""".split())

BASIC = r"(unsigned |long |short )*(_Bool|char|int|long|u?int\d+_t|s?size_t|clockid_t)"

RESULT, WRAPPERS, LIBRARY, CC, AR, OBJCOPY, NM, ROOT = sys.argv[1:9]
FOLDERS = sys.argv[9:]
CALLS = re.findall(r"CALL\((\w+), E", (pathlib.Path(__file__).parent / "calls.h").read_text())


def run(*command, given=""):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True,
                          input=given).stdout


def prototypes(folder, scratch):
    """Of the functions that its headers declare: 'type', name, [types of parameters]."""
    headers = [h for h in sorted((pathlib.Path(ROOT) / folder).glob("*.h"))
               if not h.name.endswith("mutants.h") and h.name != "probe.h"]
    unit = scratch / "unit.c"
    told = scratch / "unit.X"
    unit.write_text("#include <stdarg.h>\n#include <stddef.h>\n#include <dmafence/dmafence.h>\n" +
                    "".join(f'#include "{h}"\n' for h in headers))
    includes = [f"-I{ROOT}/{d}" for d in ("include", "src", "softgpu", "softgpu/include")]
    run(*CC.split(), "-std=gnu11", "-D_GNU_SOURCE", "-fsyntax-only", "-aux-info", str(told),
        *includes, str(unit))
    for line in told.read_text().splitlines():
        match = re.match(r"/\* .*?:N[CF] \*/ extern (.*?)(\w+) \((.*)\);", line)
        if match:
            yield match[1].strip(), match[2], split(match[3])


def split(parameters):
    depth, parts, part = 0, [], ""
    for char in parameters:
        depth += {"(": 1, ")": -1}.get(char, 0)
        if char == "," and not depth:
            parts.append(part.strip())
            part = ""
        else:
            part += char
    parts.append(part.strip())
    return [] if parts == ["void"] else parts


def plain(kind):
    """The type without names of structures; None for one that is not known by itself."""
    if "*" in kind or "[" in kind:
        return "void *"
    if kind.startswith("enum "):
        return "int"
    kind = kind.replace("const ", "")
    return kind if re.fullmatch(BASIC, kind) else None


def wrapper(kind, name, parameters):
    names = [f"a{i}" for i in range(len(parameters))]
    declared = ", ".join(f"{p} {n}" for p, n in zip(parameters, names)) or "void"
    handed = ", ".join(names)
    error = "result ? 0 : errno" if kind == "void *" else "result < 0 && result > -4096 ? (int)-result : 0"
    return f"""
{kind} plain_{name}({declared});
{kind} {name}({declared});

{kind} {name}({declared})
{{
	struct inject_frame frame;
	{kind} result;

	inject_enter(&frame);
	result = plain_{name}({handed});
	return inject_refused(&frame, {error}) ? plain_{name}({handed}) : result;
}}
"""


with tempfile.TemporaryDirectory() as folder:
    scratch = pathlib.Path(folder)
    # A thin one, of which there is only an index, cannot be changed.
    run(*AR.split(), "-M", given=f"create {scratch}/whole.a\naddlib {LIBRARY}\nsave\nend\n")
    symbols = run(*NM.split(), f"{scratch}/whole.a").split("\n")
    known = {line.split()[2] for line in symbols if re.match(r"\w+ [A-TV-Z] ", line)}
    defined = {line.split()[2] for line in symbols if re.match(r"\w+ [TW] ", line)}
    text = ["/* SPDX-License-Identifier: MIT */", "#include <errno.h>", "#include <stdint.h>",
            "#include <stdlib.h>", '#include "inject.h"',
            # Debug information says what belongs to the library: reports are as without wrappers.
            f'#line 1 "{os.path.relpath(ROOT)}/src/wrappers.c"']
    renamed = {name: f"inject_{name}" for name in CALLS}
    for place in FOLDERS:
        for kind, name, parameters in prototypes(place, scratch):
            kind, parameters = plain(kind), [plain(p) for p in parameters]
            if (kind in ("void *", "int", "int64_t", "ssize_t") and None not in parameters and
                    name in defined and name not in renamed and not NOT_WRAPPED.match(name)):
                text.append(wrapper(kind, name, parameters))
                renamed[name] = f"plain_{name}"
    others = {line.split()[1] for line in symbols if re.match(r" +U ", line)}
    others = {name for name in others - known if not re.match(r"_|urcu_", name)}
    if others - renamed.keys() - CANNOT_FAIL:
        sys.exit(f"{LIBRARY}: neither in calls.h, nor known not to fail: "
                 f"{' '.join(sorted(others - renamed.keys() - CANNOT_FAIL))}")
    (scratch / "renamed").write_text("".join(f"{a} {b}\n" for a, b in renamed.items()))
    run(*OBJCOPY.split(), f"--redefine-syms={scratch}/renamed", f"{scratch}/whole.a", RESULT)
    pathlib.Path(WRAPPERS).write_text("\n".join(text))
