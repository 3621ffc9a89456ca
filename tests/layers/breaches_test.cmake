# Shows that layers_test.cmake finds what it looks for: a sound tree passes, and each of many small changes to it is
# reported with its place.
#
#   cmake -DWORK=<directory to write in> -P breaches_test.cmake
cmake_minimum_required(VERSION 3.25)
set(script "${CMAKE_CURRENT_LIST_DIR}/layers_test.cmake")
set(tree "${WORK}/tree")

function(make_sound_tree)
  file(REMOVE_RECURSE "${tree}")
  file(WRITE "${tree}/src/CMakeLists.txt"
       "ncf_library(util DEPENDS fmt::fmt)\nncf_library(comm DEPENDS ncf_util PRIVATE ncf_mpi)\n"
       "ncf_library(io DEPENDS ncf_util)\nncf_library(nn DEPENDS ncf_util)\nncf_library(model DEPENDS ncf_nn)\n")
  file(WRITE "${tree}/include/ncf/util/error.hpp" "#pragma once\n#include <string>\n")
  file(WRITE "${tree}/include/ncf/comm/ring.hpp" "#pragma once\n#include \"ncf/util/error.hpp\"\n")
  file(WRITE "${tree}/src/comm/ring.cpp" "#include \"ncf/comm/ring.hpp\"\n#include <mpi.h>\n#include \"comm/call.hpp\"\n")
  file(WRITE "${tree}/src/comm/ring_send.cpp" "#include \"call.hpp\"\n")
  file(WRITE "${tree}/src/comm/call.hpp" "#pragma once\n#include <mpi.h>\n")
  file(WRITE "${tree}/include/ncf/model/dot.hpp" "#include \"ncf/util/error.hpp\"\n")
  file(WRITE "${tree}/src/app/main.cpp" "#include \"ncf/model/dot.hpp\"\n#include \"app/main.hpp\"\n")
endfunction()

function(run_script out_result out_text)
  execute_process(COMMAND "${CMAKE_COMMAND}" "-DROOT=${tree}" -P "${script}"
                  RESULT_VARIABLE result OUTPUT_VARIABLE text ERROR_VARIABLE text)
  # Messages are wrapped: one blank for any run of them.
  string(REGEX REPLACE "[ \n]+" " " text "${text}")
  set(${out_result} "${result}" PARENT_SCOPE)
  set(${out_text} "${text}" PARENT_SCOPE)
endfunction()

make_sound_tree()
run_script(result text)
if(NOT result EQUAL 0)
  message(FATAL_ERROR "a sound tree is refused: ${text}")
endif()

# must_report(MESSAGE FILE TEXT...): with TEXT in FILE the script fails, and says MESSAGE about FILE, and nothing else.
function(must_report message file)
  make_sound_tree()
  string(CONCAT text ${ARGN})
  file(WRITE "${tree}/${file}" "${text}")
  run_script(result text)
  string(FIND "${text}" "${file}: ${message}" found)
  if(result EQUAL 0 OR found EQUAL -1 OR NOT text MATCHES " 1 breaches")
    message(SEND_ERROR "expected \"${file}: ${message}\" alone, got: ${text}")
  endif()
endfunction()

must_report("util depends on comm, which stands above it" src/CMakeLists.txt
            "ncf_library(util DEPENDS ncf_comm)\nncf_library(comm DEPENDS ncf_util)\nncf_library(io)\n"
            "ncf_library(nn)\nncf_library(model DEPENDS ncf_util)\n")
must_report("includes \"ncf/comm/ring.hpp\", but model is not linked to comm" include/ncf/model/dot.hpp
            "#include \"ncf/comm/ring.hpp\"\n")
must_report("includes \"ncf/model/dot.hpp\", but util is not linked to model" include/ncf/util/error.hpp
            "  #  include \"ncf/model/dot.hpp\"  // indented\n")
must_report("includes <mpi.h>, which only src/comm may" src/app/main.cpp "#include <mpi.h>\n")
must_report("includes <hdf5.h>, which only src/io may" src/comm/ring.cpp "#include <hdf5.h>\n")
must_report("includes <H5FDdevelop.h>, which only src/io may" src/comm/ring.cpp "#include <H5FDdevelop.h>\n")
must_report("includes <oneapi/dnnl/dnnl.hpp>, which only src/nn may" src/comm/ring.cpp
            "#include <oneapi/dnnl/dnnl.hpp>\n")
must_report("a public header includes <mpi.h>" include/ncf/comm/ring.hpp "#include <mpi.h>\n")
must_report("a public header includes \"call.hpp\", which is private" include/ncf/comm/ring.hpp
            "#include \"call.hpp\"\n")
must_report("includes \"comm/call.hpp\", a private header of comm" src/app/main.cpp "#include \"comm/call.hpp\"\n")
must_report("there is no include/ncf/nn/orphan.hpp" src/nn/orphan.cpp "\n")
must_report("train is no layer of src/CMakeLists.txt" src/train/run.cpp "\n")
must_report("a source file stands in" src/stray.cpp "\n")
must_report("a source file stands in" include/ncf/util/CamelCase.hpp "\n")
must_report("the name says nothing" include/ncf/util/string_utils.hpp "\n")
string(REPEAT "int x;\n" 401 long)
must_report("401 lines; 400 is the limit" include/ncf/util/error.hpp "${long}")
