# ncf_library(NAME DEPENDS libraries...): the static library ncf_NAME from src/NAME/*.cpp.
# The dependencies are the layer graph of docs/architecture.md; tests/layers_test checks the #includes against it.
function(ncf_library name)
  cmake_parse_arguments(ARG "" "" "DEPENDS;PRIVATE" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/${name}/*.cpp")
  if(NOT sources)
    add_library(ncf_${name} INTERFACE)
    target_link_libraries(ncf_${name} INTERFACE ncf_options ${ARG_DEPENDS} ${ARG_PRIVATE})
    return()
  endif()
  add_library(ncf_${name} STATIC ${sources})
  target_include_directories(ncf_${name} PRIVATE "${CMAKE_CURRENT_SOURCE_DIR}")
  target_link_libraries(ncf_${name} PUBLIC ncf_options ${ARG_DEPENDS} PRIVATE ${ARG_PRIVATE})
endfunction()
